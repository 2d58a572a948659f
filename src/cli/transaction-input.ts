import { z } from 'zod'
import type { TransactionFields } from '../sdk/to-json.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

const quantity = z.union([z.string().regex(/^(0x[0-9a-fA-F]+|\d+)$/), z.int().nonnegative()])
const Type = z.preprocess(
  (value) => (typeof value === 'string' && /^(0x)?[012]$/.test(value) ? Number(value) : value),
  z.union([z.literal(0), z.literal(1), z.literal(2)]),
)
const Input = z.strictObject({
  type: Type,
  from: z.string().optional(),
  chainId: quantity,
  nonce: quantity,
  gas: quantity,
  to: z.string().nullable(),
  value: quantity,
  data: z.string().optional(),
  gasPrice: quantity.optional(),
  maxFeePerGas: quantity.optional(),
  maxPriorityFeePerGas: quantity.optional(),
  accessList: z
    .array(z.strictObject({ address: z.string(), storageKeys: z.array(z.string()) }))
    .optional(),
})

/**
 * A transaction as people write it: quantities as numbers, decimal text or hex, `type` 0, 1 or 2. All fields
 * of its type are needed, nothing is filled in. @throws CommandError with every problem.
 */
export function transactionInput(value: unknown, address: string): TransactionFields {
  const parsed = Input.safeParse(value)
  if (!parsed.success)
    throw new CommandError(
      EXIT.refused,
      [
        'this is not a transaction that can be signed',
        ...parsed.error.issues.map(
          (issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`,
        ),
      ].join('\n'),
      { hint: 'needed: type, chainId, nonce, gas, to, value and the fees of its type' },
    )
  const { from, ...fields } = parsed.data
  if (from !== undefined && from.toLowerCase() !== address.toLowerCase())
    throw new CommandError(EXIT.refused, `from is ${from}, but the account has ${address}`)
  const numbers = Object.entries(fields).map(([name, given]) =>
    typeof given === 'string' && /^\d+$/.test(given) && name !== 'to'
      ? [name, BigInt(given)]
      : [name, given],
  )
  return Object.fromEntries(numbers) as TransactionFields // the same fields, decimals read
}
