import { Observable } from '../page/observable';

export interface Microphone {
  /** `deviceId`, which lasts as long as the page keeps its permission. */
  id: string;
  /** As the system calls it, untrusted. */
  name: string;
}

/** Which microphones there are. Browsers tell it to a page that was granted one before, and asking for it prompts nobody. */
export class Microphones {
  /** Empty while unknown. */
  readonly known = new Observable<Microphone[]>([]);
  readonly #devices: MediaDevices | undefined;

  /** @param devices - undefined where the page is not allowed to have any */
  constructor(devices: MediaDevices | undefined = navigator.mediaDevices) {
    this.#devices = devices;
    devices?.addEventListener('devicechange', () => this.refresh());
    void this.refresh();
  }

  /** Looks again, as after the first permission. */
  async refresh(): Promise<void> {
    const devices = (await this.#devices?.enumerateDevices().catch(() => [])) ?? [];
    const known = devices
      // `default` and `communications` stand for one of the others, as the system's choice does.
      .filter(
        ({ kind, deviceId }) =>
          kind === 'audioinput' && !['', 'default', 'communications'].includes(deviceId),
      )
      .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
    this.known.set(known);
  }
}
