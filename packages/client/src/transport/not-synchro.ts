/** Why an answer counts as none: the login page of a captive portal, for one, comes as a 200 too. */
export const NOT_SYNCHRO = "not an answer of Synchro";
