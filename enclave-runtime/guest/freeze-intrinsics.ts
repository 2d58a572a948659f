/** Names that libraries write on their own objects although a prototype has them already. */
const OVERWRITTEN: ReadonlySet<string> = new Set([
  'toString',
  'constructor',
  'name',
  'message',
  'valueOf',
  'toJSON',
  'toLocaleString',
  'stack',
  'cause',
])

/** Intrinsics that no global names: reached through one of their values. */
const hidden = (): object[] => [
  Object.getPrototypeOf(async () => undefined),
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
  Object.getPrototypeOf(Uint8Array),
  Object.getPrototypeOf([][Symbol.iterator]()),
  Object.getPrototypeOf(new Map()[Symbol.iterator]()),
  Object.getPrototypeOf(new Set()[Symbol.iterator]()),
  Object.getPrototypeOf(''[Symbol.iterator]()),
  Object.getPrototypeOf(''.matchAll(/x/g)),
]

/** ECMAScript's own globals; what Node adds, some of it replaced while it runs, stays as it is. */
const STANDARD = [
  'Object Function Array Number Boolean String Symbol BigInt Math JSON Reflect Date RegExp Promise Proxy',
  'Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView Atomics Iterator Intl',
  'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array',
  'Float32Array Float64Array Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError',
  'parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval',
]
  .join(' ')
  .split(' ')

/**
 * Freezes the objects that all code shares, once every module is loaded (04 §4.1): afterwards no value from
 * outside and no defect can change what `Array.prototype.map` or `Object.prototype` is. Gives their number.
 */
export function freezeIntrinsics(): number {
  const seen = new Set<object>()
  const queue: unknown[] = [...STANDARD.map((name) => Reflect.get(globalThis, name)), ...hidden()]
  while (queue.length > 0) {
    const next = queue.pop()
    if (!isObject(next) || seen.has(next) || next === globalThis) continue
    seen.add(next)
    queue.push(Object.getPrototypeOf(next))
    for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(next)))
      queue.push(descriptor.value, descriptor.get, descriptor.set)
  }
  for (const intrinsic of seen) {
    if (typeof intrinsic === 'object') allowOverwriting(intrinsic)
    Object.freeze(intrinsic)
  }
  return seen.size
}

/**
 * A frozen data property of a prototype cannot be shadowed by assignment. As an accessor that defines the
 * property on whatever is assigned to, it can.
 */
function allowOverwriting(prototype: object): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const { value, writable, configurable, enumerable } = descriptor
    if (!OVERWRITTEN.has(name) || !configurable || writable !== true) continue
    Object.defineProperty(prototype, name, {
      get: () => value,
      set(this: object, given: unknown) {
        if (this === prototype) throw new TypeError(`${name} is frozen`)
        const own = { value: given, writable: true, enumerable: true, configurable: true }
        Object.defineProperty(this, name, own)
      },
      enumerable: enumerable === true,
      configurable: false,
    })
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
