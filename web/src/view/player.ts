export interface PlayerOptions {
  audio: () => Promise<Blob>;
  /** The browser has no decoder for it. */
  unplayable: () => void;
  closed: () => void;
}

/** Only one recording is heard at a time. */
let closeOther: (() => void) | null = null;

/**
 * Plays a recording with the browser's own controls, shown in `place`.
 * @returns closes the player and gives the memory of its sound back
 */
export function openPlayer(place: HTMLElement, options: PlayerOptions): () => void {
  closeOther?.();
  const audio = document.createElement('audio');
  let address = '';
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    if (closeOther === close) closeOther = null;
    audio.pause();
    audio.remove();
    if (address) URL.revokeObjectURL(address);
    options.closed();
  };
  const giveUp = (): void => {
    if (!open) return;
    close();
    options.unplayable();
  };
  closeOther = close;
  audio.controls = true;
  audio.addEventListener('ended', close);
  audio.addEventListener('error', giveUp);
  place.replaceChildren(audio);
  options
    .audio()
    .then((blob) => {
      if (!open) return;
      address = URL.createObjectURL(blob);
      audio.src = address;
      // Refused where the click is too long ago: the player then waits for its own button.
      audio.play().catch(() => {});
    })
    .catch(giveUp);
  return close;
}
