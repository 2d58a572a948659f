import type { EpochName } from '../epochs/epoch-work.ts'

/** Of the committee that a genesis file names, before any epoch record. */
export const FIRST_EPOCH: EpochName = { e: 0, k: 0 }

const LIMIT = 0x10000

/** The epoch number of sealed records: e·2^16 + k. */
export function epochNumber({ e, k }: EpochName): bigint {
  for (const part of [e, k])
    if (!Number.isSafeInteger(part) || part < 0 || part >= LIMIT)
      throw new Error(`bug: ${e}.${k} names no epoch`)
  return BigInt(e * LIMIT + k)
}

export const epochNameOf = (number: bigint): EpochName => ({
  e: Number(number) >>> 16,
  k: Number(number) & 0xffff,
})

/** For people. */
export const epochText = ({ e, k }: EpochName): string => `${e}.${k}`
