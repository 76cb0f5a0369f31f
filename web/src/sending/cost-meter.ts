import { Observable } from '../page/observable';
import { add, type Usage } from '../service/usage';

const ENTRY = 'kikitori.cost';
const NOTHING: Usage = { audioSeconds: 0, gpuSeconds: 0, usd: { answer: 0, waking: 0, idle: 0 } };

/** What the answers of this session took; a reload belongs to the same session. */
export class CostMeter {
  readonly session: Observable<Usage>;
  readonly #storage: Storage | null;

  /** @param storage - null where the browser blocks it */
  constructor(storage: Storage | null = sessionStorageOf(globalThis)) {
    this.#storage = storage;
    this.session = new Observable(read(storage));
  }

  add(usage: Usage | null): void {
    const sum = add(this.session.value, usage) ?? NOTHING;
    this.session.set(sum);
    try {
      this.#storage?.setItem(ENTRY, JSON.stringify(sum));
    } catch {
      // Full: it lasts as long as the page.
    }
  }
}

function sessionStorageOf(window: { sessionStorage?: Storage }): Storage | null {
  try {
    return window.sessionStorage ?? null;
  } catch {
    return null;
  }
}

function read(storage: Storage | null): Usage {
  try {
    const { audioSeconds, gpuSeconds, usd } = JSON.parse(storage?.getItem(ENTRY) ?? '');
    const { answer, waking, idle } = usd;
    const figures: unknown[] = [audioSeconds, gpuSeconds, answer, waking, idle];
    if (!figures.every((figure) => Number.isFinite(figure))) return NOTHING;
    return { audioSeconds, gpuSeconds, usd: { answer, waking, idle } };
  } catch {
    return NOTHING;
  }
}
