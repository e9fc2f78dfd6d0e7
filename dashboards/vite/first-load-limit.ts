/** Fails the build when the JavaScript of the first load outgrows its limit. */

import { gzipSync } from 'node:zlib';

import type { Plugin } from 'vite';

/** `limitBytes` counts the entry and everything that it imports statically, after gzip. */
export function firstLoadLimit(limitBytes: number): Plugin {
  return {
    name: 'first-load-limit',
    apply: 'build',
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
      const pending = chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName);
      const first = new Set<string>();
      for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
        if (first.has(name)) continue;
        first.add(name);
        pending.push(...(chunks.find((chunk) => chunk.fileName === name)?.imports ?? []));
      }
      const bytes = chunks
        .filter((chunk) => first.has(chunk.fileName))
        .reduce((sum, chunk) => sum + gzipSync(chunk.code, { level: 9 }).length, 0);
      this.info(`first JavaScript: ${(bytes / 1000).toFixed(1)} kB gzip of at most ${limitBytes / 1000} kB`);
      if (bytes > limitBytes) this.error(`the first JavaScript is ${bytes} bytes after gzip, more than the limit of ${limitBytes}`);
    },
  };
}
