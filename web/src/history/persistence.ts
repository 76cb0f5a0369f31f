/**
 * Asks the browser not to clear what is kept here when it runs out of room. To be called when there is something to lose;
 * a no changes nothing.
 */
export function askToPersist(): void {
  void navigator.storage?.persist?.().catch(() => {});
}
