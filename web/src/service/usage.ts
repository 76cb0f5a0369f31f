/** What an answer took and cost, as the service tells it. */
export interface Usage {
  audioSeconds: number;
  /** Time of the GPU; 0 where the service has none. */
  gpuSeconds: number;
  /**
   * US dollars: the answer's own inference, and the time of waking and idling that nobody had paid for yet, which
   * falls to the answer that ends it.
   */
  usd: { answer: number; waking: number; idle: number };
}

/** Reads the `usage` of an answer; null for anything that is none. */
export function parseUsage(value: unknown): Usage | null {
  const usage = value as Record<string, unknown> | null | undefined;
  if (typeof usage?.audio_seconds !== 'number') return null;
  const cost = usage.cost_usd as Record<string, unknown> | null | undefined;
  return {
    audioSeconds: amount(usage.audio_seconds),
    gpuSeconds: amount(usage.gpu_seconds),
    usd: { answer: amount(cost?.answer), waking: amount(cost?.waking), idle: amount(cost?.idle) },
  };
}

/** The sum of both; null counts for nothing. */
export function add(a: Usage | null, b: Usage | null): Usage | null {
  if (!a || !b) return a ?? b;
  return {
    audioSeconds: a.audioSeconds + b.audioSeconds,
    gpuSeconds: a.gpuSeconds + b.gpuSeconds,
    usd: {
      answer: a.usd.answer + b.usd.answer,
      waking: a.usd.waking + b.usd.waking,
      idle: a.usd.idle + b.usd.idle,
    },
  };
}

/** All that was paid, US dollars. */
export function totalUsd({ usd }: Usage): number {
  return usd.answer + usd.waking + usd.idle;
}

/** Dollars as text, e.g. `$1.50`; below a cent with the two figures that say something, e.g. `$0.00042`. */
export function dollars(usd: number, language: string): string {
  const digits = usd > 0 && usd < 0.01 ? { maximumSignificantDigits: 2 } : {};
  return new Intl.NumberFormat(language, { style: 'currency', currency: 'USD', ...digits }).format(usd);
}

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
