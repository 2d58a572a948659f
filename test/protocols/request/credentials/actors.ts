import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { toBase64url } from '../../../../protocols/request/base64url.ts'
import type {
  ClientAlgorithm,
  ClientKey,
} from '../../../../protocols/request/credentials/client-key.ts'
import {
  encodeCoseKey,
  type PasskeyAlgorithm,
} from '../../../../protocols/request/credentials/cose-key.ts'
import type { PasskeyProof } from '../../../../protocols/request/credentials/passkey.ts'
import type { PasskeyCreationProof } from '../../../../protocols/request/credentials/passkey-creation.ts'
import { addressBytes, addressOf } from '../../../../protocols/request/ethereum-address.ts'
import { encodeSpki } from '../../../../protocols/request/spki.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { seeded } from '../../../support/seeded.ts'

/** A client that holds a key and signs whatever it is given. */
export interface Signer {
  readonly key: ClientKey
  readonly sign: (message: Uint8Array) => Uint8Array
}

const rsaKeys = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>()
/** Node makes RSA keys from its own randomness; one per name and run. */
export function rsaPair(name: string): { publicKey: KeyObject; privateKey: KeyObject } {
  const made = rsaKeys.get(name) ?? generateKeyPairSync('rsa', { modulusLength: 2048 })
  rsaKeys.set(name, made)
  return made
}

export function signer(alg: ClientAlgorithm, name: string): Signer {
  const secret = seeded(`${alg} ${name}`)(32)
  const made = (spki: Uint8Array, sign: Signer['sign']): Signer => ({
    key: { kid: name, alg, spki },
    sign,
  })
  switch (alg) {
    case 'EdDSA':
      return made(encodeSpki(alg, ed25519.getPublicKey(secret)), (message) =>
        ed25519.sign(message, secret),
      )
    case 'ES256':
    case 'ES256K': {
      const curve = alg === 'ES256' ? p256 : secp256k1
      return made(encodeSpki(alg, curve.getPublicKey(secret, false)), (message) =>
        curve.sign(sha256(message), secret, { prehash: false, lowS: true }),
      )
    }
    case 'EIP191': {
      const address = addressBytes(addressOf(secp256k1.getPublicKey(secret))) ?? new Uint8Array()
      return made(address, (message) => {
        const prefix = utf8ToBytes(`\x19Ethereum Signed Message:\n${message.length}`)
        const digest = keccak_256(concatBytes(prefix, message))
        const [recovery = 0, ...rest] = secp256k1.sign(digest, secret, {
          prehash: false,
          format: 'recovered',
        })
        return Uint8Array.from([...rest, 27 + recovery])
      })
    }
    default: {
      const { publicKey, privateKey } = rsaPair(name)
      const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
      const pss = { padding: 6, saltLength: 32 } // RSA_PKCS1_PSS_PADDING
      return made(
        spki,
        (message) =>
          new Uint8Array(
            sign('sha256', message, { key: privateKey, ...(alg === 'PS256' ? pss : {}) }),
          ),
      )
    }
  }
}

/** What an authenticator and a browser may be made to say; every default is right. */
export interface Ceremony {
  readonly type?: string
  readonly challenge?: Uint8Array
  readonly origin?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  readonly rpId?: string
  readonly flags?: number
  readonly signCount?: number
  readonly clientDataJSON?: string
}

export const ORIGIN = 'https://app.example'
export const RP_ID = 'app.example'
const UP_UV = 0x05

export type Creating = Ceremony & {
  readonly fmt?: string
  readonly attStmt?: (signedBytes: Uint8Array) => object
}

export interface TestPasskey {
  readonly key: ClientKey
  readonly cose: Uint8Array
  readonly credentialId: Uint8Array
  readonly aaguid: Uint8Array
  approve(digest: Uint8Array, told?: Ceremony): PasskeyProof
  create(digest: Uint8Array, told?: Creating): PasskeyCreationProof
  /** The statement of packed self attestation. */
  attest(signedBytes: Uint8Array): { alg: number; sig: Uint8Array }
}

/** A passkey and the browser around it. */
export function passkey(alg: PasskeyAlgorithm, name: string): TestPasskey {
  const { key, sign } = signer(alg, name)
  const secret = seeded(`ES256 ${name}`)(32)
  const cose = encodeCoseKey({ alg, spki: key.spki })
  const credentialId = seeded(`passkey ${name}`)(20)
  const aaguid = seeded('model')(16)

  const signForm = (message: Uint8Array): Uint8Array =>
    alg === 'ES256'
      ? p256.sign(sha256(message), secret, { prehash: false, format: 'der' })
      : sign(message)

  const clientData = (type: string, digest: Uint8Array, told: Ceremony): Uint8Array => {
    const { crossOrigin, topOrigin } = told
    const data = {
      type: told.type ?? type,
      challenge: toBase64url(told.challenge ?? digest),
      origin: told.origin ?? ORIGIN,
      crossOrigin: crossOrigin ?? false,
      ...(topOrigin === undefined ? {} : { topOrigin }),
    }
    return utf8ToBytes(told.clientDataJSON ?? JSON.stringify(data))
  }

  const data = (
    told: Ceremony,
    extraFlags = 0,
    tail: Uint8Array = new Uint8Array(),
  ): Uint8Array => {
    const count = new Uint8Array(4)
    new DataView(count.buffer).setUint32(0, told.signCount ?? 0)
    const flags = Uint8Array.of((told.flags ?? UP_UV) | extraFlags)
    return concatBytes(sha256(utf8ToBytes(told.rpId ?? RP_ID)), flags, count, tail)
  }

  return {
    key,
    cose,
    credentialId,
    aaguid,
    approve(digest: Uint8Array, told: Ceremony = {}): PasskeyProof {
      const clientDataJSON = clientData('webauthn.get', digest, told)
      const authenticatorData = data(told)
      const signature = signForm(concatBytes(authenticatorData, sha256(clientDataJSON)))
      return { kind: 'passkey', credentialId, authenticatorData, clientDataJSON, signature }
    },
    create(digest: Uint8Array, told: Creating = {}): PasskeyCreationProof {
      const clientDataJSON = clientData('webauthn.create', digest, told)
      const idLength = Uint8Array.of(0, credentialId.length)
      const authData = data(told, 0x40, concatBytes(aaguid, idLength, credentialId, cose))
      const attStmt = told.attStmt?.(concatBytes(authData, sha256(clientDataJSON))) ?? {}
      return {
        kind: 'passkey-create',
        clientDataJSON,
        attestationObject: encodeCanonical({ fmt: told.fmt ?? 'none', attStmt, authData }),
        transports: ['internal'],
      }
    },
    attest: (signedBytes: Uint8Array) => ({
      alg: { ES256: -7, EdDSA: -8, RS256: -257 }[alg],
      sig: signForm(signedBytes),
    }),
  }
}
