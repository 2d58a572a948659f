import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { State } from '../../../protocols/agreement/epoch/state.ts'
import type { EpochName } from '../epochs/epoch-work.ts'

/**
 * The keys that START's cut and TAIL of an attempt list, found by their ids: `state` is that of the machine, which has
 * proved the lists by their roots and each key by a certificate or the record of the base.
 */
export function listedKeys(
  state: () => Pick<State, 'attempts' | 'base'> | undefined,
): (epoch: EpochName, keyId: Uint8Array) => HeldKey | undefined {
  const maps = new WeakMap<readonly HeldKey[], ReadonlyMap<string, HeldKey>>()
  const byId = (keys: readonly HeldKey[]): ReadonlyMap<string, HeldKey> => {
    const known = maps.get(keys) ?? new Map(keys.map((key) => [hex(key.keyId), key]))
    maps.set(keys, known)
    return known
  }
  return ({ e, k }, keyId) => {
    const now = state()
    const attempt = now?.base.record.e === e - 1 ? now.attempts.get(k) : undefined
    if (attempt === undefined) return undefined
    const id = hex(keyId)
    return byId(attempt.started.cut).get(id) ?? byId(attempt.tail?.keys ?? NONE).get(id)
  }
}

const NONE: readonly HeldKey[] = []
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
