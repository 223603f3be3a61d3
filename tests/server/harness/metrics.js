// What /metrics says, read as Prometheus reads it, and promtool, which judges it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from './http.js';
import { run, temporaryFolder } from './process.js';

/** { text, samples, families }: samples is a Map of `name{label="value",...}` to its number. */
export function read(text) {
  const samples = new Map();
  const families = new Map();
  for (const line of text.split('\n').filter(Boolean)) {
    const [, family, type] = line.match(/^# TYPE (\S+) (\S+)$/) ?? [];
    if (family) families.set(family, type);
    if (line.startsWith('#')) continue;
    const [, series, value] = line.match(/^(\S+?(?:\{.*\})?) (\S+)$/) ?? [];
    if (!series) throw new Error(`no sample: ${line}`);
    if (samples.has(series)) throw new Error(`twice: ${series}`);
    samples.set(series, Number(value));
  }
  return { text, samples, families };
}

export async function scrape(server, options) {
  const reply = await request(`${server.url}/metrics`, options);
  if (reply.status !== 200) throw new Error(`/metrics answers ${reply.status} ${reply.body}`);
  return { ...read(reply.body.toString()), headers: reply.headers };
}

/** Of one family, by the labels alone: { 'source="cache",result="played"': 3 }; those that are 0 are left out. */
export function valuesOf({ samples }, family) {
  const values = {};
  for (const [series, value] of samples) {
    const [, labels] = series.match(new RegExp(`^${family}\\{(.*)\\}$`)) ?? [];
    if (labels !== undefined && value !== 0) values[labels] = value;
  }
  return values;
}

/** What differs between two scrapes of one family: after less before. */
export function grown(before, after, family) {
  const was = valuesOf(before, family);
  const values = valuesOf(after, family);
  return Object.fromEntries(Object.entries(values).map(([labels, value]) => [labels, value - (was[labels] ?? 0)]).filter(([, by]) => by !== 0));
}

/** promtool, which is of Debian's package `prometheus`. */
export async function promtool(args, options) {
  const { code, stdout, stderr } = await run('promtool', args, options);
  return { code, said: `${stdout}${stderr}` };
}

/** A file that promtool reads: JSON is YAML. */
export function yamlFile(t, name, value) {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}
