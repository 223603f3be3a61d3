import{c as n}from"./part.WT3DF7TE.js";import{m as o}from"./part.RASTNX7H.js";var r=o(null);function a(t,e={}){r.set({text:t,...e}),n(t)}export{r as a,a as b};
