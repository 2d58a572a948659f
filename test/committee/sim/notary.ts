import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { ObjectCodec } from '../../../protocols/agreement/objects/object-codec.ts'
import type { Signed, SignedCodec } from '../../../protocols/agreement/objects/signed.ts'

interface Entry {
  readonly key: string
  readonly type: string
  readonly said: unknown
}

/**
 * Signatures of a world without cryptography: one is valid for what was signed under it and for nothing else, and only
 * the holder of a key can ask for one. Hashes are the real ones, each computed once.
 */
export class Notary {
  readonly #entries: Entry[] = []
  readonly #hashes = new WeakMap<ObjectCodec<never>, WeakMap<object, Uint8Array>>()

  sign<T>(key: Uint8Array, of: SignedCodec<T>, object: T): Signed<T> {
    const signature = this.#enter({ key: hexOf(key), type: of.type, said: object })
    let bytes: Uint8Array | undefined
    return {
      object,
      signature,
      get objectBytes() {
        bytes ??= of.encode(object)
        return bytes
      },
    }
  }

  isSignedBy<T>(of: SignedCodec<T>, { object, signature }: Signed<T>, key: Uint8Array): boolean {
    return this.#says(signature, hexOf(key), of.type, object)
  }

  signBytes(key: Uint8Array, type: string, body: Uint8Array): Uint8Array {
    return this.#enter({ key: hexOf(key), type, said: body })
  }

  areBytesSigned(key: Uint8Array, type: string, body: Uint8Array, signature: Uint8Array): boolean {
    return this.#says(signature, hexOf(key), type, body)
  }

  hash<T>(of: ObjectCodec<T>, value: T): Uint8Array {
    const known = this.#hashes.get(of as ObjectCodec<never>) ?? new WeakMap<object, Uint8Array>()
    this.#hashes.set(of as ObjectCodec<never>, known)
    const before = known.get(value as object)
    if (before !== undefined) return before
    const hash = of.hash(value)
    known.set(value as object, hash)
    return hash
  }

  #enter(entry: Entry): Uint8Array {
    const signature = new Uint8Array(64)
    new DataView(signature.buffer).setUint32(0, this.#entries.push(entry))
    return signature
  }

  #says(signature: Uint8Array, key: string, type: string, said: unknown): boolean {
    const number = new DataView(signature.buffer, signature.byteOffset).getUint32(0)
    const entry = this.#entries[number - 1]
    return entry?.key === key && entry.type === type && equal(entry.said, said)
  }
}

function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, i) => byte === b[i])
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => equal(a[name as keyof typeof a], b[name as keyof typeof b]))
  )
}
