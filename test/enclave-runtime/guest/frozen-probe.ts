/** Run as a process of its own, for what it does cannot be undone: prints what a frozen process still allows. */
import { freezeIntrinsics } from '../../../enclave-runtime/guest/freeze-intrinsics.ts'

const frozen = freezeIntrinsics()
const attempt = (change: () => unknown): string => {
  try {
    change()
    return 'changed'
  } catch (error) {
    return error instanceof TypeError ? 'refused' : String(error)
  }
}
const outcomes = {
  pollute: attempt(() => Reflect.get(Object.assign(Object.prototype, { polluted: 1 }), 'polluted')),
  map: attempt(() => Object.assign(Array.prototype, { map: null })),
  inherited: attempt(() => Object.assign(Object.prototype, { toString: null })),
  json: attempt(() => Object.assign(JSON, { parse: null })),
  bytes: attempt(() => Object.assign(Object.getPrototypeOf(Uint8Array.prototype), { set: null })),
  iterator: attempt(() =>
    Object.assign(Object.getPrototypeOf([][Symbol.iterator]()), { next: null }),
  ),
  generator: attempt(() =>
    Object.assign(Object.getPrototypeOf(Object.getPrototypeOf(async function* () {})), { x: 1 }),
  ),
}
const error = Object.assign(new TypeError('before'), { message: 'after', name: 'Renamed' })
const own = { toString: () => 'own' }
const late: Record<string, unknown> = {}
late['toString'] = () => 'late'
process.stdout.write(
  JSON.stringify({ frozen, outcomes, allowed: [String(error), String(own), String(late)] }),
)
