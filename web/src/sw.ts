// The service worker: keeps the files of the page. It never calls the service, so nothing here can wake it.

/** Put in front of the built worker by vite.config.ts: all files but those that few deployments ask for. */
declare const BUILD: { version: string; files: string[] };

/** What TypeScript's DOM library leaves out. */
interface ExtendableEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface WorkerScope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}

const worker = globalThis as unknown as WorkerScope;
const PREFIX = 'kikitori-';
const NAME = PREFIX + BUILD.version;
const CONFIG = 'config.json';

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  if (method !== 'GET' || new URL(url).origin !== location.origin) return;
  if (mode === 'navigate') event.respondWith(networkFirst(event.request, './'));
  else if (new URL(url).pathname === new URL(CONFIG, location.href).pathname)
    event.respondWith(networkFirst(event.request, CONFIG));
  else event.respondWith(cacheFirst(event.request));
});

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  // Asks the host for each: one from the browser's own cache could be of an older build.
  await cache.addAll(['./', CONFIG, ...BUILD.files].map((file) => new Request(file, { cache: 'no-cache' })));
  await worker.skipWaiting();
}

/** Deletes what older builds kept, except the last one's: a page of it may still be open, and ask for its parts. */
async function activate(): Promise<void> {
  const older = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** What decides which build and which service the page has: an old one only where there is no network. */
async function networkFirst(request: Request, name: string): Promise<Response> {
  try {
    const response = await fetch(request);
    if (name === CONFIG && response.ok) await keep(name, response.clone());
    return response;
  } catch (error) {
    const kept = await (await caches.open(NAME)).match(name);
    if (kept) return kept;
    throw error;
  }
}

async function keep(name: string, response: Response): Promise<void> {
  try {
    await (await caches.open(NAME)).put(name, response);
  } catch {
    // The disk is full; the page has its answer all the same.
  }
}

async function cacheFirst(request: Request): Promise<Response> {
  return (
    (await (await caches.open(NAME)).match(request)) ??
    (await caches.match(request)) ??
    (await fetch(request))
  );
}
