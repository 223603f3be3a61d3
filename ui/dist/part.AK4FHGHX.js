var e=0,t=()=>e>0;function r(){let o=!1;return e+=1,()=>{o||(e-=1),o=!0}}export{t as a,r as b};
