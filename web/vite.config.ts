import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Files that the service worker does not keep: itself, what it asks for anew, and what few deployments load. */
const NOT_KEPT = /^(sw\.js|index\.html|config\.json|icon-.*512\.png|assets\/sign-in-.*)$/;

/** Tells the built service worker which files there are. Its own bytes change with any of theirs. */
function listFilesForWorker(): Plugin {
  return {
    name: 'list-files-for-worker',
    apply: 'build',
    async writeBundle({ dir }) {
      if (!dir) return;
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const names = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
      const files = names.filter((name) => !NOT_KEPT.test(name)).sort();
      const hash = createHash('sha256');
      for (const name of ['index.html', ...files]) hash.update(name).update(await readFile(join(dir, name)));
      const build = { version: hash.digest('hex').slice(0, 12), files };
      const worker = join(dir, 'sw.js');
      await writeFile(worker, `const BUILD=${JSON.stringify(build)};${await readFile(worker, 'utf8')}`);
    },
  };
}

export default defineConfig({
  build: {
    target: 'es2022',
    // A script or style inlined as data: would be refused by the page's own Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: 'index.html', sw: 'src/sw.ts' },
      output: {
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  plugins: [listFilesForWorker()],
  worker: { format: 'es' },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
