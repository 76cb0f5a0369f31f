import { EventSourceParserStream } from 'eventsource-parser/stream';

/**
 * The `data` of each server-sent event, as it arrives. An event whose end did not arrive is left out, as
 * the standard says. Leaving the loop early closes the connection.
 */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  // A reader rather than `for await`: Safari's streams cannot be iterated.
  const reader = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value.data;
    }
  } finally {
    // Rejects when the stream broke, which the loop has told already.
    await reader.cancel().catch(() => {});
  }
}
