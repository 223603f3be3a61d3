// A module of the page (ui/src, TypeScript), bundled and loaded into Node.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), '../../ui/src');

/** names: paths within ui/src without their ending, or 'preact', which they use; they are bundled together, so what they share is shared. */
export const load = (...names) => bundle(names, '');

let copies = 0;
/** The same, with nothing of what another one remembers. */
export const loadAnew = (...names) => {
  copies += 1;
  return bundle(names, `#${copies}`);
};

async function bundle(names, mark) {
  const contents = names.map((name) => `export * from '${name === 'preact' ? name : `./${name}`}';`).join('\n');
  const { outputFiles: [file] } = await build({
    stdin: { contents, resolveDir: SOURCE, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    write: false,
    logLevel: 'silent',
  });
  return import(`data:text/javascript;base64,${Buffer.from(file.contents).toString('base64')}${mark}`);
}
