import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The system's Chromium: what CHROMIUM names, or the first on PATH; `undefined` when there is none. */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM']
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const candidates = named
    ? [named]
    : folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return candidates.find(isExecutable)
}

/** As much of playwright-core as is used here: its own types need those of a browser's page. */
export interface Page {
  on(event: 'pageerror', take: (error: Error) => void): void
  goto(url: string): Promise<unknown>
  evaluate<R>(expression: string): Promise<R>
}
interface Browser {
  newPage(): Promise<Page>
  close(): Promise<void>
}
interface Driver {
  readonly chromium: {
    launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser>
  }
}
const DRIVER: string = 'playwright-core'

/** Headless, without a sandbox where root runs it: Chromium refuses to start otherwise. */
export async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = (await import(DRIVER)) as Driver
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
