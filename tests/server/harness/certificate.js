// Certificates for the servers of tests, made by openssl.
import { join } from 'node:path';
import { run } from './process.js';

/** A certificate of a day that signed itself, for 127.0.0.1 and one name: { certificate, key }, two files. */
export async function makeCertificate(folder) {
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
    '-subj', '/CN=callspool.test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:callspool.test', '-keyout', files.key, '-out', files.certificate]);
  if (made.code !== 0) throw new Error(`openssl: ${made.stderr}`);
  return files;
}
