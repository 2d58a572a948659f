import type { Vault } from './vault/vault.ts'

/** The part of the vault that this room needs: records, shares, and signatures by GI (04 §5, §6). */
export type Records = Pick<
  Vault,
  'critical' | 'criticalNames' | 'bulk' | 'loadShare' | 'sharePart' | 'write' | 'sign'
>
