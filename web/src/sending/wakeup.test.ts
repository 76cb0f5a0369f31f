import { expect, it } from 'vitest';
import { ServiceError } from '../service/service-error';
import type { WarmupSnapshot } from '../service/warmup';
import { Wakeup } from './wakeup';

const snapshot = (status: WarmupSnapshot['status']): WarmupSnapshot => ({
  status,
  seconds: 1,
  phases: [],
  error: null,
});
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A service that answers `first` to the warm-up and then sends what is pushed, until it is left. */
function fakeService(first: () => WarmupSnapshot) {
  const calls = { warmup: 0, open: 0 };
  let push: (next: WarmupSnapshot | null) => void = () => {};
  return {
    calls,
    push: (next: WarmupSnapshot | null) => push(next),
    async warmup() {
      calls.warmup++;
      return first();
    },
    async *warmupEvents(signal: AbortSignal) {
      calls.open++;
      try {
        for (;;) {
          const next = await new Promise<WarmupSnapshot | null>((resolve, reject) => {
            push = resolve;
            signal.addEventListener('abort', () => reject(new ServiceError('aborted')));
          });
          if (!next) return;
          yield next;
        }
      } finally {
        calls.open--;
      }
    },
  };
}

it('follows a cold start to its end, and says idle when nobody wants the service any more', async () => {
  const service = fakeService(() => snapshot('loading'));
  const wakeup = new Wakeup(service);
  const seen: string[] = [];
  wakeup.state.subscribe(({ status }) => seen.push(status));
  const release = wakeup.want();
  await soon();
  service.push(snapshot('loading'));
  await soon();
  service.push(snapshot('ready'));
  await soon();
  service.push(null);
  await soon();
  expect(seen).toEqual(['idle', 'calling', 'loading', 'loading', 'ready']);
  expect(service.calls).toEqual({ warmup: 1, open: 0 });
  release();
  expect(wakeup.state.value.status).toBe('idle');
});

it('does not wait for a stream that was closed before the end', async () => {
  const service = fakeService(() => snapshot('loading'));
  const wakeup = new Wakeup(service);
  wakeup.want();
  await soon();
  service.push(null);
  await soon();
  expect(wakeup.state.value).toMatchObject({ status: 'unreachable', failure: { kind: 'cut' } });
});

it('opens no events where the service is ready', async () => {
  const service = fakeService(() => snapshot('ready'));
  const wakeup = new Wakeup(service);
  wakeup.want();
  await soon();
  expect(service.calls).toEqual({ warmup: 1, open: 0 });
});

it('calls once for two that want it, and closes the connection with the last', async () => {
  const service = fakeService(() => snapshot('loading'));
  const wakeup = new Wakeup(service);
  const first = wakeup.want();
  await soon();
  const second = wakeup.want();
  first();
  first(); // a second time counts for nothing
  await soon();
  expect(service.calls).toEqual({ warmup: 1, open: 1 });
  second();
  await soon();
  expect(service.calls.open).toBe(0);
  expect(wakeup.state.value.status).toBe('idle');
});

it('tries again for the next one after a failure', async () => {
  let up = false;
  const service = fakeService(() => {
    if (!up) throw new ServiceError('unreachable');
    return snapshot('ready');
  });
  const wakeup = new Wakeup(service);
  wakeup.want();
  await soon();
  expect(wakeup.state.value).toMatchObject({ status: 'unreachable', failure: { kind: 'unreachable' } });
  up = true;
  wakeup.want();
  await soon();
  expect(wakeup.state.value.status).toBe('ready');
});
