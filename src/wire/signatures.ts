import * as z from 'zod'

const MAX_RAW_CHARS = 600 * 1024 // the longest parameters as hex, with fields around them

/** Result of `personal_sign` and `eth_signTypedData_v4`: r, s, v, 65 bytes in hex. */
export const SIGNATURE: z.ZodType<string> = z.string().regex(/^0x[0-9a-f]{130}$/)

/** Result of `eth_signTransaction`: the transaction as a chain takes it. */
export const RAW_TRANSACTION: z.ZodType<string> = z
  .string()
  .max(MAX_RAW_CHARS)
  .regex(/^0x(?:[0-9a-f]{2})+$/)
