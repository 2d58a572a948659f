import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { bytesField, listField } from '../fields.ts'
import { type SignedType, signedMessage, verifySigned } from '../signed-object.ts'
import { b64, increasing, index, list, MAX_MEMBERS } from './items.ts'
import {
  type Field,
  type Layout,
  type ObjectCodec,
  type ObjectOptions,
  object,
} from './object-codec.ts'

/** An object with the bytes that were signed; it travels as `[object bytes, signature]` (03 §1.1). */
export interface Signed<T> {
  readonly object: T
  readonly objectBytes: Uint8Array
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array
}

/** Heads of the array and of both byte strings, and the signature. */
const SIGNED_OVERHEAD_BYTES = 80

/** Codec and item of the signed form. It verifies nothing: see `isSignedBy`. */
export function signed<T>(of: ObjectCodec<T>): Codec<Signed<T>> & Field<Signed<T>> {
  const maxBytes = of.maxBytes + SIGNED_OVERHEAD_BYTES
  const write = ({ objectBytes, signature }: Signed<T>): unknown => [objectBytes, signature]
  const read = (item: unknown, name: string): Signed<T> => {
    const [objectBytes, signature, ...rest] = listField(item, name, 2)
    if (rest.length > 0 || !(objectBytes instanceof Uint8Array))
      throw new DecodeError(`${name} is no signed ${of.type}`)
    return {
      object: of.decode(objectBytes),
      objectBytes,
      signature: bytesField(signature, `signature of ${name}`, 64),
    }
  }
  return {
    write,
    read,
    encode: (value) => {
      read(write(value), of.type)
      return encodeCanonical(write(value))
    },
    decode: (bytes) => read(decodeCanonical(bytes, maxBytes), of.type),
  }
}

/** Objects that a guest or an operator signs. */
export type SignedCodec<T> = ObjectCodec<T> & { readonly type: SignedType }

/** As `object`, for an object that is signed. */
export const signedObject = <T extends object>(
  type: SignedType,
  layout: Layout<T>,
  options: ObjectOptions<T> = {},
): SignedCodec<T> => ({ ...object<T>(type, layout, options), type })

/** Signs an object; `sign` makes an Ed25519 signature over the message it is given. */
export function signObject<T>(
  of: SignedCodec<T>,
  value: T,
  networkId: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array,
): Signed<T> {
  const objectBytes = of.encode(value)
  return {
    object: value,
    objectBytes,
    signature: sign(signedMessage(of.type, networkId, objectBytes)),
  }
}

/** Whether this key signed exactly these bytes, for this network and as an object of this type. */
export const isSignedBy = <T>(
  of: SignedCodec<T>,
  { objectBytes, signature }: Signed<T>,
  networkId: Uint8Array,
  publicKey: Uint8Array,
): boolean => verifySigned(of.type, networkId, objectBytes, publicKey, signature)

/** Index and Ed25519 signature of each signer, strictly increasing by index (03 §1.1). */
export type SignatureList = readonly (readonly [number, Uint8Array])[]

const entry: Field<readonly [number, Uint8Array]> = {
  write: (value) => value,
  read: (item, name) => {
    const [signer, signature, ...rest] = listField(item, name, 2)
    if (rest.length > 0) throw new DecodeError(`${name} has more than two items`)
    return [index.read(signer, name), b64.read(signature, name)]
  },
}

export const signatureList: Field<SignatureList> = increasing(
  list(entry, MAX_MEMBERS),
  ([signer]) => signer,
)
