/** Sends one body and hands over the answer as soon as its headers are there. */
export type Post = (
  url: string,
  options: {
    body: Blob | FormData;
    headers: Record<string, string>;
    signal: AbortSignal;
    /** @param share - of the body that has left, 0..1 */
    onUpload: (share: number) => void;
  },
) => Promise<Response>;

/**
 * A POST that tells how far its upload is, which `fetch` cannot. Rejects, or breaks the body, with a TypeError as
 * `fetch` does.
 */
export const post: Post = (url, { body, headers, signal, onUpload }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const encoder = new TextEncoder();
    let passed = 0;
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        let ended = false;
        const pass = (): void => {
          const text = request.responseText.slice(passed);
          passed += text.length;
          if (text !== '' && !ended) controller.enqueue(encoder.encode(text));
        };
        const fail = (): void => {
          if (ended) return;
          ended = true;
          const error = new TypeError('The connection failed');
          controller.error(error);
          reject(error);
        };
        request.onprogress = pass;
        request.onload = () => {
          pass();
          if (!ended) controller.close();
          ended = true;
        };
        request.onerror = fail;
        request.onabort = fail;
      },
      cancel: () => request.abort(),
    });
    request.onreadystatechange = () => {
      if (request.readyState !== XMLHttpRequest.HEADERS_RECEIVED || request.status === 0) return;
      resolve(new Response(stream, { status: request.status, headers: headersOf(request) }));
    };
    request.upload.onprogress = ({ loaded, total }) => onUpload(total > 0 ? loaded / total : 0);
    request.upload.onload = () => onUpload(1);
    request.open('POST', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (signal.aborted) {
      reject(new TypeError('Given up'));
      return;
    }
    const abort = (): void => request.abort();
    signal.addEventListener('abort', abort);
    // The signal may live as long as a recording, and would keep what was sent as long.
    request.onloadend = () => signal.removeEventListener('abort', abort);
    request.send(body);
  });

function headersOf(request: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
