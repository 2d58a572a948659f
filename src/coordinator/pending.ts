/** Counts what is under way, in all and for each account, and refuses beyond its limits (03 §9.1). */
export class Pending {
  readonly #perNode: number
  readonly #perAccount: number
  readonly #accounts = new Map<string, number>()
  #all = 0

  constructor(limits: { readonly perNode: number; readonly perAccount: number }) {
    this.#perNode = limits.perNode
    this.#perAccount = limits.perAccount
  }

  /** A function that ends the place taken; undefined when there is none. `account` null counts for the node alone. */
  enter(account: string | null): (() => void) | undefined {
    const mine = account === null ? 0 : (this.#accounts.get(account) ?? 0)
    if (this.#all >= this.#perNode || mine >= this.#perAccount) return undefined
    this.#all += 1
    if (account !== null) this.#accounts.set(account, mine + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#all -= 1
      if (account !== null) this.#leave(account)
    }
  }

  get size(): number {
    return this.#all
  }

  /** Under way for this account. */
  of(account: string): number {
    return this.#accounts.get(account) ?? 0
  }

  #leave(account: string): void {
    const others = (this.#accounts.get(account) ?? 1) - 1
    if (others === 0) this.#accounts.delete(account)
    else this.#accounts.set(account, others)
  }
}
