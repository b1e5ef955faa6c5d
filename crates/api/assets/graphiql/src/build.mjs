// Bundles page.jsx with everything it needs into ../graphiql.js.gz and ../graphiql.css.gz,
// and the licences of all of it into ../licenses.txt.gz.
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const { outputFiles, metafile } = await build({
  entryPoints: { graphiql: 'page.jsx' },
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  outdir: 'out',
  format: 'iife',
  target: 'es2022',
  jsx: 'automatic',
  legalComments: 'none',
  loader: { '.woff2': 'dataurl', '.ttf': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"', 'globalThis.process.env.NODE_ENV': '"production"' },
});

function writePacked(name, contents) {
  const packed = gzipSync(contents, { level: 9 });
  packed[9] = 255; // the operating system, left open, so that every machine writes the same bytes
  writeFileSync(`../${name}.gz`, packed);
  console.log(`${name}: ${contents.length} bytes, ${packed.length} packed`);
}

for (const file of outputFiles) writePacked(file.path.split('/').at(-1), file.contents);

// The licences of everything that went into the bundle, each once.
const packages = new Set(
  Object.keys(metafile.inputs)
    .map((path) => path.match(/^.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[0])
    .filter(Boolean),
);
const notices = [...packages].sort().map((folder) => {
  const { name, version, license, repository } = JSON.parse(readFileSync(`${folder}/package.json`));
  const file = ['LICENSE', 'LICENSE.md', 'license', 'LICENSE.txt', 'license.md', 'License'].find((candidate) => {
    try {
      return readFileSync(`${folder}/${candidate}`);
    } catch {
      return false;
    }
  });
  const source = repository?.url ?? repository ?? '';
  const text = file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : `License: ${license}. ${source}`;
  return `${name} ${version} (${license})\n${'='.repeat(72)}\n${text}\n`;
});
const opening = 'The files graphiql.js and graphiql.css are built from these packages.';
writePacked('licenses.txt', Buffer.from([opening, ...notices].join('\n\n')));
