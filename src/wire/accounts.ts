import * as z from 'zod'

const UUID = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const ADDRESS = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const KEY_ID = z.string().regex(/^[0-9a-f]{64}$/)
const MAX_CERTIFICATE_CHARS = 87_382 // 64 KiB in base64url (03 §1.1)
const MAX_ADDRESSES = 64 // arrays of the data model (05 §1)

/** Result of `holdfast_createAccount`. The certificate proves key and address; the rest follows from it. */
export interface CreatedAccount {
  readonly account_id: string
  /** Hex. */
  readonly key_id: string
  readonly address: string
  /** The key certificate (03 §1.2), base64url. */
  readonly certificate: string
}

export const CREATED_ACCOUNT: z.ZodType<CreatedAccount> = z.strictObject({
  account_id: UUID,
  key_id: KEY_ID,
  address: ADDRESS,
  certificate: z.string().max(MAX_CERTIFICATE_CHARS),
})

/** Result of `eth_accounts`. */
export const ADDRESSES: z.ZodType<readonly string[]> = z.array(ADDRESS).max(MAX_ADDRESSES)
