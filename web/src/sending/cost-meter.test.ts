import { expect, it } from 'vitest';
import { CostMeter } from './cost-meter';

const usage = { audioSeconds: 2, gpuSeconds: 0.5, usd: { answer: 1, waking: 2, idle: 3 } };

function memory(entries: Record<string, string> = {}): Storage {
  const map = new Map(Object.entries(entries));
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => map.set(key, value),
  } as unknown as Storage;
}

it('adds up what the answers took, over a reload too', () => {
  const storage = memory();
  new CostMeter(storage).add(usage);
  const meter = new CostMeter(storage);
  meter.add(null);
  meter.add(usage);
  expect(meter.session.value).toEqual({
    audioSeconds: 4,
    gpuSeconds: 1,
    usd: { answer: 2, waking: 4, idle: 6 },
  });
});

it('begins at nothing where there is no storage or something else in it', () => {
  const nothing = { audioSeconds: 0, gpuSeconds: 0, usd: { answer: 0, waking: 0, idle: 0 } };
  for (const entry of ['', 'x', 'null', '{}', '{"audioSeconds":1,"gpuSeconds":1,"usd":{"answer":"1"}}'])
    expect(new CostMeter(memory({ 'kikitori.cost': entry })).session.value).toEqual(nothing);
  expect(new CostMeter(null).session.value).toEqual(nothing);
});
