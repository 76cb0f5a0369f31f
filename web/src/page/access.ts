import { ServiceError } from '../service/service-error';
import type { Firebase } from './config';
import type { GoogleSignIn } from './sign-in';

/** How this page shows that it may call the service. */
export interface Access {
  /**
   * The token to send as a bearer; '' when it is missing, null when the service wants none.
   * @throws {ServiceError} where it cannot be had at the moment
   */
  authorization(): Promise<string | null>;
}

/** For a deployment that lets everyone in. */
export const ANYONE: Access = { authorization: async () => null };

const ENTRY = 'kikitori.api-key';

/** For a deployment with a key, typed once and kept in this browser. */
export class KeyAccess implements Access {
  #key = '';

  constructor() {
    try {
      this.#key = localStorage.getItem(ENTRY) ?? '';
    } catch {
      // Storage is blocked: the key lasts as long as the page.
    }
  }

  get key(): string {
    return this.#key;
  }

  /** Keeps the key; '' forgets it. */
  set key(key: string) {
    this.#key = key.trim();
    try {
      if (this.#key) localStorage.setItem(ENTRY, this.#key);
      else localStorage.removeItem(ENTRY);
    } catch {
      // As above.
    }
  }

  async authorization(): Promise<string> {
    return this.#key;
  }
}

/** For a deployment that asks for Google sign-in. Its code is loaded when it is needed for the first time. */
export class SignInAccess implements Access {
  readonly #firebase: Firebase;
  #signIn: Promise<GoogleSignIn> | null = null;

  constructor(firebase: Firebase) {
    this.#firebase = firebase;
  }

  /** @throws whatever stood in the way of loading it; the next call tries again */
  open(): Promise<GoogleSignIn> {
    this.#signIn ??= import('./sign-in')
      .then(({ GoogleSignIn }) => GoogleSignIn.open(this.#firebase))
      .catch((error: unknown) => {
        this.#signIn = null;
        throw error;
      });
    return this.#signIn;
  }

  async authorization(): Promise<string> {
    try {
      return await (await this.open()).token();
    } catch {
      throw new ServiceError(navigator.onLine ? 'unreachable' : 'offline');
    }
  }
}
