/** Calls back when the network has returned and somebody looks at the page: one that is hidden wakes nobody. */
export function whenBackOnline(run: () => void): void {
  let returned = false;
  const check = (): void => {
    if (!returned || document.visibilityState !== 'visible') return;
    returned = false;
    run();
  };
  addEventListener('online', () => {
    returned = true;
    check();
  });
  document.addEventListener('visibilitychange', check);
}
