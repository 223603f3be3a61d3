// Builds the page into ui/dist, which is committed: the server is built without Node.
//
//	node ui/build.mjs            ui/dist anew
//	node ui/build.mjs --check    fails when ui/dist is not what would be built
//
// ui/dist has the static pages (index.html, join.html, link.html), assets with the hash of their content in
// the name, csp.txt (the policy that the pages are served with) and meson.build, which lists them all.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const UI = dirname(fileURLToPath(import.meta.url));
const DIST = join(UI, 'dist');
const PAGES = ['index', 'join', 'link'];

// The heights of a lane that the player uses (src/player): each makes another text of wavesurfer's sheet.
const LANE_HEIGHTS = [24, 36, 48, 72, 96, 120];

const TARGET = ['es2022', 'safari15.4'];
const OPTIONS = {
  absWorkingDir: UI,
  bundle: true,
  format: 'esm',
  target: TARGET,
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  outdir: 'dist',
  write: false,
  logLevel: 'warning',
};

/**
 * wavesurfer.js puts a sheet into its shadow root by innerHTML: the policy names each of its texts by its hash, and the
 * default Trusted Types policy (src/trusted.ts) lets it and nothing else through.
 */
function sheets() {
  const source = readFileSync(join(UI, '../node_modules/wavesurfer.js/dist/wavesurfer.esm.js'), 'utf8');
  const [, text] = /<style[^>]*?`:""}>([\s\S]*?)<\/style>/.exec(source);
  return LANE_HEIGHTS.map((height) => text.replaceAll('\\n', '\n').replace(/\$\{[^}]*\}/, String(height)));
}

/** The Content-Security-Policy of a page (static files, so no nonce). */
export function policy() {
  const hashes = sheets().map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
  return `default-src 'none'; script-src 'self'; style-src 'self' ${hashes}; connect-src 'self'; media-src 'self'; img-src 'self' data:; `
    + `base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default`;
}

const hashOf = (...texts) => texts.reduce((hash, text) => hash.update(text), createHash('sha256')).digest('hex').slice(0, 8);

/**
 * The scripts of one page, { name: text }: `<page>.<hash>.js` with all that it needs at its start, and a part for each that
 * is loaded later.
 *
 * esbuild makes a file of each set of parts that share something: some thirty of them before the first row is drawn, each
 * an import in another.  What the page imports at its start is therefore bundled once more, into one file, which gives the
 * later parts what they share with it.  A file is named for all of the page's code, for each names others.
 */
async function scriptsOf(page) {
  const { outputFiles, metafile } = await build({ ...OPTIONS, entryPoints: [`src/${page}.tsx`], splitting: true, metafile: true, chunkNames: 'part.[hash]' });
  const text = new Map(outputFiles.map((file) => [basename(file.path), file.text]));
  const about = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const first = new Set();
  const take = (name) => {
    if (first.has(name)) return;
    first.add(name);
    for (const { path, kind } of about.get(name).imports) if (kind === 'import-statement') take(basename(path));
  };
  take(`${page}.js`);

  const version = hashOf(...[...text.keys()].sort().flatMap((name) => [name, text.get(name)]));
  const main = `${page}.${version}.js`;
  const called = (name) => (first.has(name) ? main : `part.${hashOf(page, name, version)}.js`);
  // What a file of the first script gives: each its own name in the file that holds them all.
  const numbers = new Map([...first].map((name, i) => [name, i]));
  const shared = (name, as) => about.get(name).exports.map((given) => as(given, `${given}_${numbers.get(name)}`)).join(', ');
  const all = [...first].map((name) => {
    const list = shared(name, (given, unique) => `${given} as ${unique}`);
    return list ? `export { ${list} } from './${name}';` : `import './${name}';`;
  });
  const pieces = {
    name: 'pieces',
    setup(build) {
      build.onResolve({ filter: /^\.\// }, ({ path, kind, importer }) => {
        const name = basename(path);
        const isWithin = kind !== 'dynamic-import' && !path.startsWith(`./${page}.${version}`);
        if (isWithin && first.has(name)) return { path: name, namespace: first.has(importer) || importer === 'all' ? 'piece' : 'given' };
        if (kind === 'entry-point') return { path: name, namespace: 'piece' };
        return { path: `./${name === main ? main : called(name)}`, external: true };
      });
      build.onLoad({ filter: /.*/, namespace: 'all' }, () => ({ contents: all.join('\n') }));
      build.onLoad({ filter: /.*/, namespace: 'piece' }, ({ path }) => ({ contents: text.get(path) }));
      build.onLoad({ filter: /.*/, namespace: 'given' }, ({ path }) => ({ contents: `export { ${shared(path, (given, unique) => `${unique} as ${given}`)} } from './${main}';` }));
      build.onResolve({ filter: /^all$/ }, () => ({ path: 'all', namespace: 'all' }));
    },
  };
  const later = [...text.keys()].filter((name) => !first.has(name));
  const made = await build({ ...OPTIONS, entryPoints: ['all', ...later.map((name) => `./${name}`)], plugins: [pieces] });
  return new Map(made.outputFiles.map((file) => {
    const name = basename(file.path);
    return [name === 'all.js' ? main : called(name), file.text];
  }));
}

// Runs before the first paint, so it is a script of its own that waits for nothing.
const THEME = { ...OPTIONS, entryPoints: ['src/theme.ts'], format: 'iife' };
const SHEETS = { ...OPTIONS, entryPoints: ['src/page.css', 'src/later.css'] };

/** { name: bytes } of all that ui/dist holds. */
export async function made() {
  const files = new Map();
  for (const options of [THEME, SHEETS]) {
    for (const { path, text } of (await build(options)).outputFiles) files.set(basename(path).replace('.', `.${hashOf(text)}.`), Buffer.from(text));
  }
  for (const page of ['main', 'join', 'link']) for (const [name, text] of await scriptsOf(page)) files.set(name, Buffer.from(text));
  const named = (stem, ext) => [...files.keys()].find((name) => name.startsWith(`${stem}.`) && name.endsWith(ext));

  for (const page of PAGES) {
    const html = readFileSync(join(UI, 'static', `${page}.html`), 'utf8')
      .replace(/\{\{(\w+)\.(\w+)\}\}/g, (_, stem, ext) => `/assets/${named(stem, `.${ext}`)}`);
    files.set(`${page}.html`, Buffer.from(html));
  }
  files.set('csp.txt', Buffer.from(`${policy()}\n`));
  const list = [...files.keys()].sort().map((name) => `  '${name}',`).join('\n');
  files.set('meson.build', Buffer.from(`# Written by ui/build.mjs.\nui_dist = files(\n${list}\n)\n`));
  return files;
}

function differs(files) {
  const there = existsSync(DIST) ? readdirSync(DIST) : [];
  const wrong = there.filter((name) => !files.has(name));
  for (const [name, bytes] of files) if (!there.includes(name) || !readFileSync(join(DIST, name)).equals(bytes)) wrong.push(name);
  return wrong;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = await made();
  if (process.argv.includes('--check')) {
    const wrong = differs(files);
    if (wrong.length) {
      console.error(`ui/dist is not what ui/src makes (${wrong.join(', ')}): run node ui/build.mjs`);
      process.exit(1);
    }
  } else {
    rmSync(DIST, { recursive: true, force: true });
    mkdirSync(DIST);
    for (const [name, bytes] of files) writeFileSync(join(DIST, name), bytes);
  }
}
