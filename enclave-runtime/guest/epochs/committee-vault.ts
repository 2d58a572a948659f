import type { Vault } from '../vault/vault.ts'

/** What of the vault the epochs of this guest need: records and the guest's signature. */
export type CommitteeVault = Pick<
  Vault,
  'critical' | 'criticalNames' | 'bulk' | 'write' | 'sign' | 'seq' | 'bootCounter' | 'headHash'
> &
  Pick<Vault, 'guestSig' | 'guestEnc'>

/** Every record of the epoch protocol has a name below this: other rooms have names like `ready` too. */
export const PREFIX = 'committee/'
