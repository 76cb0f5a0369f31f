/** Keeps the page itself in this browser, so that it opens without a network. Sending is not the worker's business. */
export function keepForOffline(): void {
  // A development server's files are not built and change all the time.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  navigator.serviceWorker.register(`${import.meta.env.BASE_URL}sw.js`).catch(() => {
    // Storage is blocked, or the host does not have it: the page works all the same while there is a network.
  });
}
