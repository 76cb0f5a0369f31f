/** Runs `show` in the next frame, once however often it is asked for until then. Nothing is shown in a hidden tab. */
export function oncePerFrame(show: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      show();
    });
  };
}
