/** How this page shows that it may call the service. */
export interface Access {
  /** The token to send as a bearer; '' when it is missing, null when the service wants none. */
  authorization(): Promise<string | null>;
}

/** For a deployment that lets everyone in. */
export const ANYONE: Access = { authorization: async () => null };
