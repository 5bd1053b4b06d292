/** Names this build; see build/config.ts. */
declare const __UI_BUILD__: string;
