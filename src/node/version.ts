import { readFileSync } from 'node:fs'

// A checkout has package.json two folders up; in a package, dist/ is one folder more.
const inCheckout = import.meta.url.endsWith('.ts')
const FILE = new URL(inCheckout ? '../../package.json' : '../../../package.json', import.meta.url)

/** The version of this installation, as package.json says it. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(FILE, 'utf8'))
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest))
    throw new Error('bug: package.json has no version')
  return String(manifest.version)
}
