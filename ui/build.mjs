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

const OPTIONS = {
  absWorkingDir: UI,
  entryPoints: ['src/main.tsx', 'src/join.tsx', 'src/link.tsx', 'src/page.css'],
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022', 'safari15.4'],
  outdir: 'dist',
  entryNames: '[name].[hash]',
  chunkNames: 'part.[hash]',
  assetNames: '[name].[hash]',
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
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

// Runs before the first paint, so it is a script of its own that waits for nothing.
const THEME = { ...OPTIONS, entryPoints: ['src/theme.ts'], splitting: false, format: 'iife' };

/** { name: bytes } of all that ui/dist holds. */
export async function made() {
  const results = [await build(OPTIONS), await build(THEME)];
  const outputs = results.flatMap((result) => result.outputFiles);
  const files = new Map(outputs.map((file) => [basename(file.path), Buffer.from(file.contents)]));
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
