// What Twilio's Voice Recording Encryption makes of a recording, by Node's crypto: a random key, AES-256-GCM with the tag behind
// it, and the key wrapped by RSAES-OAEP with SHA-256.
import { constants, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';
import { newSid } from './webhook.js';

/** A key pair as one gives it to Twilio: { sid, publicKey, pem } (pem is the private half). */
export function keyPair({ bits = 2048, sid = newSid('CR') } = {}) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { sid, publicKey, privateKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** The key of one recording: { key, cek, iv }, of which cek is the wrapped one. */
export function newSealing({ publicKey }) {
  const key = randomBytes(32);
  return { key, iv: randomBytes(12), cek: publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, key) };
}

/** What is downloaded. */
export function seal(media, { key, iv }) {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  return Buffer.concat([cipher.update(media), cipher.final(), cipher.getAuthTag()]);
}

/** { body, cek, iv }: what is downloaded, the wrapped key, the IV. */
export function encrypt(media, keyPairOf) {
  const { key, cek, iv } = newSealing(keyPairOf);
  return { body: seal(media, { key, iv }), cek, iv };
}

/** As the callback's field EncryptionDetails, a JSON text. */
export const callbackDetails = ({ sid }, { cek, iv }) => JSON.stringify({
  public_key_sid: sid, type: 'rsa-aes', encrypted_cek: cek.toString('base64'), iv: iv.toString('base64'),
});

/** As `encryption` of the simulated Twilio's POST /simulate/calls, which seals with the key itself. */
export const placedDetails = ({ sid }, { key, cek, iv }) => ({
  public_key_sid: sid, encrypted_cek: cek.toString('base64'), iv: iv.toString('base64'), key: key.toString('base64'),
});

/** As encryption_details of the API, an object. */
export const restDetails = ({ sid }, { cek, iv }) => ({
  type: 'rsa-aes', encryption_public_key_sid: sid, encryption_cek: cek.toString('base64'), encryption_iv: iv.toString('base64'),
});
