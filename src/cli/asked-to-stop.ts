import type { Context } from './context.ts'

/** Resolves when the person, the system or the end of standard input asks the node to stop. */
export function askedToStop(context: Context, lifeline: boolean): Promise<'asked'> {
  return new Promise((resolve) => {
    const asked = (): void => resolve('asked')
    if (context.signal.aborted) asked()
    context.signal.addEventListener('abort', asked, { once: true })
    if (lifeline) void context.stdin().then(asked, asked)
  })
}
