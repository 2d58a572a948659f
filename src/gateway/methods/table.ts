import { accounts } from './accounts.ts'
import { createAccount } from './create-account.ts'
import { getNetwork } from './get-network.ts'
import { getStatus } from './get-status.ts'
import type { Method } from './method.ts'
import { personalSign } from './personal-sign.ts'
import { signTransaction } from './sign-transaction.ts'
import { signTypedData } from './sign-typed-data.ts'

/** Every method this node answers; all others are METHOD_UNSUPPORTED. */
export const METHODS: ReadonlyMap<string, Method> = new Map(
  [
    getNetwork,
    getStatus,
    createAccount,
    accounts,
    personalSign,
    signTypedData,
    signTransaction,
  ].map((method) => [method.name, method]),
)
