import * as z from 'zod'
import { DecodeError } from '../session/codec.ts'
import { uuidBytes } from './account-id.ts'
import { fromBase64url } from './base64url.ts'
import { firstIssue } from './first-issue.ts'

/** A field of `min` to `max` bytes in one of the two forms of a document (05 §1). */
export type ByteField = (min: number, max?: number) => z.ZodType<Uint8Array>

/** Bytes in canonical CBOR: byte strings. */
export const CBOR_BYTES: ByteField = (min, max = min) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length >= min && value.length <= max,
    `not ${min} to ${max} bytes`,
  )

/** Bytes in JSON: canonical base64url. */
export const JSON_BYTES: ByteField = (min, max = min) =>
  z
    .string()
    .max(Math.ceil((max * 4) / 3))
    .transform((text, context): Uint8Array => {
      try {
        const bytes = fromBase64url(text)
        if (bytes.length >= min && bytes.length <= max) return bytes
        context.addIssue({ code: 'custom', message: `not ${min} to ${max} bytes` })
      } catch (cause) {
        if (!(cause instanceof DecodeError)) throw cause
        context.addIssue({ code: 'custom', message: cause.message })
      }
      return z.NEVER
    }) as unknown as z.ZodType<Uint8Array>

/** One of the two forms of a document: how it writes bytes, and the 16 bytes of an id (05 §1). */
export interface DocumentForm {
  readonly bytes: ByteField
  readonly id: z.ZodType<Uint8Array>
}

export const CBOR_FORM: DocumentForm = { bytes: CBOR_BYTES, id: CBOR_BYTES(16) }

export const JSON_FORM: DocumentForm = {
  bytes: JSON_BYTES,
  id: z.string().transform((text, context): Uint8Array => {
    try {
      return uuidBytes(text)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      context.addIssue({ code: 'custom', message: cause.message })
      return z.NEVER
    }
  }) as unknown as z.ZodType<Uint8Array>,
}

/** The value in its checked form; a `DecodeError` that says what is wrong with `name`, and where. */
export function parseShape<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new DecodeError(`${name}: ${firstIssue(parsed.error)}`, { cause: parsed.error })
}

/** Well-formed text of 1 to `max` characters; 128 unless a field needs more (05 §1). */
export const textOf = (max = 128): z.ZodType<string> =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed(), 'a lone surrogate')

/** Unix seconds. */
export const SECONDS: z.ZodType<number> = z
  .number()
  .int()
  .min(0)
  .refine((value) => !Object.is(value, -0), 'minus zero')
