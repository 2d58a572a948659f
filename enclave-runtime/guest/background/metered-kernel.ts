import type { Kernel } from '../../../protocols/kernel/kernel.ts'

/** The same kernel; `spent` hears how long each of its operations held the main loop, in milliseconds. */
export function meteredKernel(
  kernel: Kernel,
  monotonicMs: () => number,
  spent: (ms: number) => void,
): Kernel {
  return new Proxy(kernel, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        const began = monotonicMs()
        try {
          return Reflect.apply(value, target, given)
        } finally {
          spent(monotonicMs() - began)
        }
      }
    },
  })
}
