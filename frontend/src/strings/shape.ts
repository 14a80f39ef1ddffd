/** What a language has to bring: the keys of the English one, each with a text of the same kind. */
export interface Plural {
  readonly one: string;
  readonly other: string;
}

export type Text = string | Plural;

export type Translation<English> = {
  readonly [Key in keyof English]: English[Key] extends string ? string : Plural;
};
