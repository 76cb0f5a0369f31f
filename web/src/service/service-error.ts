/**
 * Why the service gave no answer.
 * - `offline`: the browser has no network
 * - `unreachable`: no readable answer. The service is down, or the platform before it refused (too large,
 *   too busy, timed out): its own answers carry no CORS headers, so the browser hides them
 * - `key-missing`: this deployment wants a key and none is set
 * - `unauthorized`, `too-large`, `busy` (429), `unavailable` (502 to 504), `rejected` (other 4xx): as told
 * - `failed`: the service tried and could not
 * - `cut`: the answer broke off
 * - `aborted`: this page gave up on it
 */
export type ServiceErrorKind =
  | 'offline'
  | 'unreachable'
  | 'key-missing'
  | 'unauthorized'
  | 'too-large'
  | 'busy'
  | 'unavailable'
  | 'rejected'
  | 'failed'
  | 'cut'
  | 'aborted';

/** Plain data that says why sending failed, so that it can be kept and shown in any language. */
export interface Failure {
  /** `storage`: the browser could not hand out or keep the recording. */
  kind: ServiceErrorKind | 'storage';
  /** The service's own words, untrusted; null where it said nothing. */
  detail: string | null;
  /** When the service asks to come back, seconds; null where it did not say. */
  retryAfter: number | null;
}

export class ServiceError extends Error {
  override name = 'ServiceError';
  readonly failure: Failure;

  constructor(
    kind: Failure['kind'],
    { detail = null, retryAfter = null }: Partial<Omit<Failure, 'kind'>> = {},
  ) {
    super(detail ? `${kind}: ${detail}` : kind);
    this.failure = { kind, detail, retryAfter };
  }
}

/** Longest text of an error that is shown; a platform's error page can be long. */
const MAX_DETAIL = 300;

/** Reads an answer that is not 2xx: an OpenAI-shaped error, or whatever the platform said. */
export async function errorFromResponse(response: Response): Promise<ServiceError> {
  const body = await response.text().catch(() => '');
  const html = response.headers.get('content-type')?.includes('html') ?? false;
  const detail = messageIn(body) ?? (html ? null : body.trim().slice(0, MAX_DETAIL) || null);
  return new ServiceError(kindOf(response.status), {
    detail,
    retryAfter: secondsUntil(response.headers.get('retry-after')),
  });
}

/** The message of an OpenAI-shaped error object, or null for anything else. */
export function errorMessage(value: unknown): string | null {
  const message = (value as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' && message !== '' ? message.slice(0, MAX_DETAIL) : null;
}

function messageIn(body: string): string | null {
  try {
    return errorMessage(JSON.parse(body)?.error);
  } catch {
    return null;
  }
}

function kindOf(status: number): ServiceErrorKind {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 413) return 'too-large';
  if (status === 429) return 'busy';
  if (status >= 502 && status <= 504) return 'unavailable';
  return status < 500 ? 'rejected' : 'failed';
}

/** `Retry-After` is a number of seconds or a date. */
function secondsUntil(value: string | null): number | null {
  if (value === null) return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : null;
}
