/** Repeatable chance: one generator for one purpose, so that a change in one does not shift the others. */
export interface Chance {
  /** From 0 up to 1, exclusive. */
  real(): number
  /** From 0 up to `below`, exclusive. */
  int(below: number): number
  /** True once in `1 / p` calls. */
  happens(p: number): boolean
  pick<T>(list: readonly T[]): T
  shuffled<T>(list: readonly T[]): T[]
  bytes(length: number): Uint8Array
}

/** sfc32, seeded by a number and a purpose. */
export function chanceOf(seed: number, purpose: string): Chance {
  let [a, b, c, d] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, hashText(purpose), 1]
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) next()
  const real = (): number => next() / 2 ** 32
  const int = (below: number): number => Math.floor(real() * below)
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) throw new Error('bug: a pick from nothing')
    return list[int(list.length)] as T
  }
  return {
    real,
    int,
    happens: (p) => real() < p,
    pick,
    shuffled: (list) => {
      const order = [...list]
      for (let i = order.length - 1; i > 0; i--) {
        const j = int(i + 1)
        const kept = order[i] as (typeof order)[number]
        order[i] = order[j] as (typeof order)[number]
        order[j] = kept
      }
      return order
    },
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  }
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
