import { isIP } from 'node:net'

/**
 * Whether a Host header may name this node. A page of a stranger can make its own name resolve to this
 * machine (DNS rebinding), but then the browser sends that name: so only addresses, `localhost` and the
 * names of the configuration are answered.
 */
export function hostAllowed(header: string | undefined, configured: readonly string[]): boolean {
  if (header === undefined) return false
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header)
  const [, six, name] = match ?? []
  if (six !== undefined) return isIP(six) === 6
  if (name === undefined) return false
  const lower = name.toLowerCase()
  return lower === 'localhost' || isIP(lower) === 4 || configured.includes(lower)
}

export const isLoopback = (address: string): boolean =>
  address === '::1' || address === '::ffff:127.0.0.1' || /^127(?:\.\d{1,3}){3}$/.test(address)

/** One source: an IPv4 address, or the /64 that one subscriber of IPv6 has. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}

/** The CORS headers for a page of a configured origin; none for any other. No cookies, no credentials. */
export function corsHeaders(
  origin: string | undefined,
  configured: readonly string[],
): Record<string, string> {
  if (origin === undefined || !configured.includes(origin)) return {}
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '600',
    vary: 'origin',
  }
}
