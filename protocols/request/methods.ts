import * as z from 'zod'
import { DecodeError } from '../session/codec.ts'
import { fromBase64url } from './base64url.ts'
import { RequestError } from './errors.ts'
import { addressBytes } from './ethereum-address.ts'
import { firstIssue } from './first-issue.ts'
import type { JsonValue } from './json-value.ts'
import { MAX_TEXT_CHARS, type PublicKey } from './proofs.ts'
import { parseSpki } from './spki.ts'

/** Parameters of each method after their form was checked (spec "Methods", 05 §4.1). */
export interface MethodParams {
  holdfast_createAccount: { readonly credential: PublicKey }
  eth_accounts: readonly []
  personal_sign: readonly [data: string, address: string]
  eth_signTypedData_v4: readonly [address: string, typedData: JsonValue]
  eth_signTransaction: readonly [transaction: JsonValue]
}

export type MethodName = keyof MethodParams

/** What a policy decides about. `account.create` has none: the account's first request makes it. */
export type MethodClass =
  | 'account.create'
  | 'read.private'
  | 'sign.message'
  | 'sign.typed'
  | 'sign.tx'

/** The class of each method that needs a proof. */
export const METHOD_CLASSES: Readonly<Record<MethodName, MethodClass>> = {
  holdfast_createAccount: 'account.create',
  eth_accounts: 'read.private',
  personal_sign: 'sign.message',
  eth_signTypedData_v4: 'sign.typed',
  eth_signTransaction: 'sign.tx',
}

/** Encoded SubjectPublicKeyInfo of at most 91 bytes. */
const MAX_SPKI_CHARS = 128

const PUBLIC_KEY = z
  .strictObject({
    kid: z
      .string()
      .min(1)
      .max(MAX_TEXT_CHARS)
      .refine((text) => text.isWellFormed()),
    alg: z.enum(['ES256', 'EdDSA', 'ES256K']),
    spki: z.string().max(MAX_SPKI_CHARS),
  })
  .transform(({ kid, alg, spki }, context): PublicKey => {
    try {
      const bytes = fromBase64url(spki)
      parseSpki(alg, bytes)
      return { kid, alg, spki: bytes }
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      context.addIssue({ code: 'custom', message: cause.message, path: ['spki'] })
      return z.NEVER
    }
  })

const ADDRESS = z
  .string()
  .refine((text) => addressBytes(text) !== undefined, { message: 'not an address' })
const JSON_VALUE = z.custom<JsonValue>((value) => value !== undefined) // the core has checked it
const TEXT = z.string().max(MAX_TEXT_CHARS)
/** Names and kinds of fields; which of them a type needs, and their values, the intent decides. */
const TRANSACTION = z.strictObject({
  type: TEXT.optional(),
  from: TEXT.optional(),
  chainId: TEXT.optional(),
  nonce: TEXT.optional(),
  gas: TEXT.optional(),
  to: TEXT.nullable().optional(),
  value: TEXT.optional(),
  data: z.string().optional(),
  gasPrice: TEXT.optional(),
  maxFeePerGas: TEXT.optional(),
  maxPriorityFeePerGas: TEXT.optional(),
  accessList: z.array(z.strictObject({ address: TEXT, storageKeys: z.array(TEXT) })).optional(),
})

const SCHEMAS: { readonly [M in MethodName]: z.ZodType<MethodParams[M]> } = {
  holdfast_createAccount: z.strictObject({ credential: PUBLIC_KEY }),
  eth_accounts: z.tuple([]),
  personal_sign: z.tuple([z.string(), ADDRESS]),
  eth_signTypedData_v4: z.tuple([ADDRESS, JSON_VALUE]),
  eth_signTransaction: z.tuple([TRANSACTION as unknown as z.ZodType<JsonValue>]),
}

export const isMethod = (name: string): name is MethodName => Object.hasOwn(SCHEMAS, name)

/** A method of the table. Throws METHOD_UNSUPPORTED for any other name. */
export function methodNamed(name: string): MethodName {
  if (!isMethod(name)) throw new RequestError('METHOD_UNSUPPORTED')
  return name
}

/** The parameters of a method in their checked form. Throws PARAMS_INVALID (row 8 of 05 §3.3). */
export function parseParams<M extends MethodName>(method: M, params: unknown): MethodParams[M] {
  const parsed = SCHEMAS[method].safeParse(params)
  if (parsed.success) return parsed.data
  throw new RequestError('PARAMS_INVALID', firstIssue(parsed.error), { cause: parsed.error })
}
