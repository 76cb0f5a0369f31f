const ENTRY = 'kikitori.api-key';

/** The key of the deployment as kept in this browser; '' when there is none. */
export function savedApiKey(): string {
  try {
    return localStorage.getItem(ENTRY) ?? '';
  } catch {
    return ''; // storage is blocked
  }
}

/** Keeps the key in this browser; '' forgets it. */
export function saveApiKey(key: string): void {
  try {
    if (key) localStorage.setItem(ENTRY, key);
    else localStorage.removeItem(ENTRY);
  } catch {
    // Storage is blocked: the field still holds the key while the page is open.
  }
}
