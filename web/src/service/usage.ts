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
