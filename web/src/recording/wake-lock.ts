/**
 * Keeps the screen on where the browser can, because a phone that locks takes the microphone away.
 * @returns ends it
 */
export function keepScreenOn(): () => void {
  let wanted = true;
  let sentinel: WakeLockSentinel | null = null;
  const acquire = async (): Promise<void> => {
    if (document.visibilityState !== 'visible') return;
    try {
      // Missing in older browsers, whatever the types say.
      const lock = (await navigator.wakeLock?.request('screen')) ?? null;
      if (wanted) sentinel = lock;
      else await lock?.release();
    } catch {
      // A low battery refuses it: the recording goes on without.
    }
  };
  // The browser drops the lock whenever the page is hidden.
  document.addEventListener('visibilitychange', acquire);
  void acquire();
  return () => {
    wanted = false;
    document.removeEventListener('visibilitychange', acquire);
    void sentinel?.release().catch(() => {});
  };
}
