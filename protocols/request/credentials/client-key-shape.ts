import * as z from 'zod'
import { DecodeError } from '../../session/codec.ts'
import { type ByteField, textOf } from '../byte-field.ts'
import { assertClientKey, CLIENT_ALGORITHMS, type ClientKey, MAX_SPKI_BYTES } from './client-key.ts'

/** The shape of a public key in either form of a document (05 §1.2); its bytes are a key of its algorithm. */
export const clientKeyShape = (bytes: ByteField): z.ZodType<ClientKey> =>
  z
    .strictObject({
      kid: textOf(),
      alg: z.enum(CLIENT_ALGORITHMS),
      spki: bytes(20, MAX_SPKI_BYTES),
    })
    .check(({ value, issues }) => {
      const problem = problemOf(value)
      if (problem !== undefined)
        issues.push({ code: 'custom', message: problem, path: ['spki'], input: value })
    })

/** Why these bytes are no key of this algorithm. */
export function problemOf(key: Pick<ClientKey, 'alg' | 'spki'>): string | undefined {
  try {
    assertClientKey(key)
    return undefined
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return error.message
  }
}
